// Loaded into the services of a test, so that they end with its process, however that ends.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();
