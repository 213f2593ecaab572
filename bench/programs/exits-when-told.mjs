// A thread that says when it begins, and exits when it is told to.
const port = new BroadcastChannel('treewarden-bench');
port.onmessage = ({ data }) => {
  if (data === 'exit') process.exit(3);
};
port.postMessage('began');
