// Loaded before a service, so that it ends with `npm start` even where that is killed: the closing of the IPC
// channel is the one thing that no kind of death can prevent. The service itself knows nothing of it.
// Plain JavaScript, so that it runs the same beside src/ (tests) and dist/.
const LINGER_MS = 10_000;

process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LINGER_MS).unref();
});
// Listening must not keep a service alive that has nothing left to do.
process.channel?.unref();
if (process.channel === undefined) process.kill(process.pid, 'SIGTERM');
