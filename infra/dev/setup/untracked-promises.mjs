// Preloaded in test processes. tap tracks every promise with an async hook, to assign a stray error to its subtest. In
// tests that wait a lot, this takes up to a third of the time. Without the hook a stray error still fails the test
// file.
import asyncHooks from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';

const none = {
  enable: () => none,
  disable: () => none,
};
asyncHooks.createHook = () => none;
syncBuiltinESMExports();
