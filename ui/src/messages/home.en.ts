/** English, of the first start, the sample, and what becomes of a library. */
export const homeEn = {
  welcome: {
    title: 'Welcome to AIRI',
    text: 'Your AI conversations, kept on this computer. How would you like to begin?',
    ways: 'Ways to begin',
    chat: 'Start chatting',
    chatText: 'With a model on this computer, or one of a provider.',
    bring: 'Import your history',
    bringText: 'ChatGPT, Claude or AIRI exports. Dropping one anywhere here does it too.',
    signIn: 'Sign in',
    signInText: 'Sync with your other devices.',
    sample: 'Look at a sample',
    sampleText: 'A made-up history, in a window of its own. Nothing of it stays.',
    later: 'You can do each of these later, too.',
  },
  sample: {
    label: 'Sample',
    text: 'This is a sample. Nothing you do here is kept.',
    leave: 'Close the sample',
  },
  startChat: {
    title: 'Start chatting',
    text: 'Who is to answer? You can add others at any time.',
    go: 'Start chatting',
    notYet: 'As soon as a model is there, you can begin.',
  },
  server: {
    which: 'Which server',
    builtIn: 'AIRI’s server',
    own: 'Another address',
    builtInText: (address: string) => `This app was made for ${address}.`,
  },
};
