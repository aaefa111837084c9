"""The command `bark`: one file a command, and nothing imported that the command doesn't need."""
