/** Texts to try: some of the original's README, and one in each of its languages. */

export const TRICKS = [
  {
    name: "Laughs",
    text: "Hello, my name is Suno. And, uh — and I like pizza. [laughs] But I also have other interests such as playing tic tac toe.",
  },
  { name: "Song ♪", text: "♪ In the jungle, the mighty jungle, the lion barks tonight ♪" },
  {
    name: "Man and woman",
    text: "MAN: Can you buy me the coffee from starbucks?\nWOMAN: Sure, what type of coffee do you want?",
  },
  {
    name: "Three languages",
    text: "Hallo, wie geht es dir? ¿Qué haces aquí? Are you looking for someone?",
  },
  {
    name: "German, then English",
    text:
      "Der Dreißigjährige Krieg (1618-1648) war ein verheerender Konflikt, der Europa stark geprägt hat. " +
      "This is a beginning of the history. If you want to hear more, please continue.",
  },
  {
    name: "Throat, laugh, music",
    text:
      "[clears throat] Hello, my name is Abid. And, uh — and I like cheeseburgers. [laughs] " +
      "But I also have other interests such as [music]... ♪ singing ♪.",
  },
  {
    name: "Silky",
    text: "I have a silky smooth voice, and today I will tell you about the exercise regimen of the common sloth.",
  },
];

export const LANGUAGES = [
  ["en", "English", "The boat left the harbour at dawn. Nobody saw it go, and nobody waved."],
  ["de", "Deutsch", "Auf dem Dachboden entdeckte ich Großvaters verstaubte Ziehharmonika."],
  ["es", "Español", "Hola, guapa, cuánto tiempo sin verte por el barrio."],
  ["fr", "Français", "Salut Théo, ça fait une éternité ! Alors, quoi de neuf depuis cet été ?"],
  ["hi", "हिन्दी", "मेरी दादी हर शाम हमें पुरानी कहानियाँ सुनाया करती थीं।"],
  ["it", "Italiano", "Ciao Giulia, che bella sorpresa vederti qui!"],
  ["ja", "日本語", "お久しぶりです。お元気でしたか？ まあ、かわいい子犬！"],
  ["ko", "한국어", "추석은 내가 가장 좋아하는 명절이다. 나는 며칠 동안 휴식을 취하고 친구 및 가족과 시간을 보낼 수 있습니다."],
  ["pl", "Polski", "Wtem rozległ się huk i zgasły wszystkie latarnie."],
  ["pt", "Português", "Quanto tempo a gente não se vê, hein? Tchau, até amanhã, e não esquece o guarda-chuva."],
  ["ru", "Русский", "Заходите, не стесняйтесь, чайник как раз закипел."],
  ["tr", "Türkçe", "Merhaba, uzun zamandır görüşemedik, neler yapıyorsun?"],
  ["zh", "中文", "早上好，昨晚睡得踏实吗？企鹅摇摇摆摆，仿佛穿着燕尾服的绅士。"],
].map(([language, name, text]) => ({ language, name, text }));

/** What a voice says to be heard before it is chosen, by language. */
export const SENTENCES = {
  en: "Hello! This is how I sound.",
  de: "Hallo! So klinge ich.",
  es: "¡Hola! Así suena mi voz.",
  fr: "Bonjour ! Voilà comment je parle.",
  hi: "नमस्ते! मेरी आवाज़ ऐसी है।",
  it: "Ciao! Ecco la mia voce.",
  ja: "こんにちは。これが私の声です。",
  ko: "안녕하세요. 제 목소리예요.",
  pl: "Cześć! Tak brzmi mój głos.",
  pt: "Olá! Esta é a minha voz.",
  ru: "Привет! Вот так я звучу.",
  tr: "Merhaba! Sesim böyle.",
  zh: "你好，这就是我的声音。",
};
