// A forked program that takes messages, and says when it begins and when the last has come.
process.on('message', (message) => {
  if (message === 'last') process.send('done');
});
process.send('ready');
