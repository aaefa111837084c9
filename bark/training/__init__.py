"""Training of every model of a Bark: `bark train codec|semantic-tokenizer|semantic|coarse|fine --config …`."""
