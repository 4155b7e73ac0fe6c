// Preloaded in test processes. A process whose tests have all ended goes on as long as anything is open in it, until the
// time limit of its file. This tells what that is, and ends the process with the result of its tests.
import tap from 'tap';

const ENDS_WITHIN_MS = 20_000;

tap.teardown(() => {
  const tell = () => {
    // Not from process.report: it asks the DNS for the name of each address, and waits for the answers.
    console.error('the tests have ended, and left open:', process.getActiveResourcesInfo());
    process.exit();
  };
  setTimeout(tell, ENDS_WITHIN_MS).unref();
});
