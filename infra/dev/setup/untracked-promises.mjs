// Preloaded in test processes. tap follows every promise by an async hook, to tell which subtest a stray error belongs to;
// that takes up to a third of the time of tests that wait a lot. Without the hook, a stray error ends the test file, which
// fails as well.
import asyncHooks from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';

const none = {
  enable: () => none,
  disable: () => none,
};
asyncHooks.createHook = () => none;
syncBuiltinESMExports();
