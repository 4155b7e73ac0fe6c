import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Starts every engine: a test that does not depend on this file needs no engine. */
const ENGINES = 'packages/stack/src/daemon.ts';
/** A file that imports it may start a process, which takes as long as dozens of tests. */
const PROCESSES = 'node:child_process';
/** Simulates the protocol with many schedules, for minutes. */
const MODEL = 'packages/ledger/test/model/world.ts';
/** The same as in `.taprc`. */
const TEST = /^(packages|services|infra)\/[^/]+\/test\/.*\.test\.ts$/;
const SOURCE = /\.([cm]?js|tsx?)$/;
/** A change to one of these can affect every test: packages, tap, and how tsx compiles. */
const ALL = /(^|\/)package\.json$|^(pnpm-|\.npmrc$|\.taprc$|tsconfig\.)|^infra\/kafka\/patches\//;
/** Foreign or generated folders. */
const PASSED_OVER = /^(node_modules|dist|\.git|\.tap|\.calltally)$/;

/**
 * Finds the files that each test depends on. A file depends on the files that it imports and on those that it names in
 * a string. The name can be a path relative to the file, such as the main file of a process, or relative to the root,
 * such as a document. `${…}` in a name matches anything, `dist/` means the `src/` that it is built from, and an
 * extension such as `.md` in a test means all files with it. Imports of types are ignored, as tsx removes them.
 *
 * @param {string} root
 * @param {string[]} gone deleted files, to find the tests that still name them
 */
export async function readTests(root, gone = []) {
  const { default: ts } = await import('typescript');
  const files = [...new Set([...filesBelow(root), ...gone])].sort();
  const find = finder(root, files);
  /** @type {Map<string, {near: string[], far: string[]}>} */
  const named = new Map();

  /** @param {string} file */
  const namedBy = (file) => {
    let names = named.get(file);
    if (names === undefined) {
      names = { near: [], far: [] };
      if (SOURCE.test(file) && !gone.includes(file)) {
        for (const text of stringsOf(ts, file, readFileSync(join(root, file), 'utf8'))) {
          const isNear = text === PROCESSES || /^(\.\.?\/|@calltally\/)/.test(text);
          names[isNear ? 'near' : 'far'].push(...find(file, text));
        }
      }
      named.set(file, names);
    }
    return names;
  };

  /** @param {string} test @param {(file: string) => string[]} next */
  const reach = (test, next) => {
    const reached = new Set([test]);
    // The loop also visits what is added on the way. Another test is only read as text, so it is not followed.
    for (const file of reached) {
      if (file === test || !TEST.test(file)) for (const one of next(file)) reached.add(one);
    }
    return reached;
  };

  // Ignores names relative to the root: a file that starts a process names it relative to itself.
  const needs = (/** @type {string} */ test) => reach(test, (file) => namedBy(file).near);
  const tests = files.filter((file) => TEST.test(file) && !gone.includes(file));
  /** Starts no engine and no other process, and is not a model test. @param {string} test */
  const isUnit = (test) => ![ENGINES, PROCESSES, MODEL].some((one) => needs(test).has(one));
  return {
    tests,

    /** Whether it may start engines. True also for an unknown test. @param {string} test */
    needsEngines: (test) => !tests.includes(test) || needs(test).has(ENGINES),

    unitTests: () => tests.filter(isUnit),

    /** Tests that can share a process: they may use engines, but start no other process. */
    groupableTests: () =>
      tests.filter((test) => {
        if (/^(infra|packages\/stack)\//.test(test)) return isUnit(test);
        const own = [...needs(test)].filter((file) => !file.startsWith('packages/stack/'));
        return !own.some((file) => file === MODEL || namedBy(file).near.includes(PROCESSES));
      }),

    /**
     * The tests that a change to these files can affect, and the changed files that no test depends on.
     *
     * @param {string[]} changed
     */
    touchedBy(changed) {
      if (changed.some((file) => ALL.test(file))) return { tests, unread: [] };
      const reached = tests.map((test) =>
        reach(test, (file) => [...namedBy(file).near, ...namedBy(file).far]),
      );
      return {
        tests: tests.filter((_, i) => changed.some((file) => reached[i]?.has(file))),
        unread: changed.filter((file) => !reached.some((one) => one.has(file))),
      };
    },
  };
}

/** @param {string} root @returns {string[]} paths relative to the root */
function filesBelow(root, folder = '') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return PASSED_OVER.test(entry.name) ? [] : filesBelow(root, path);
    return [path];
  });
}

/**
 * All strings in a source except those in types. Each `${…}` becomes `*`.
 *
 * @param {import('typescript')} ts @param {string} file @param {string} source
 */
function stringsOf(ts, file, source) {
  /** @type {Set<string>} */
  const strings = new Set();
  /** @param {import('typescript').Node} node */
  const visit = (node) => {
    if (ts.isTypeNode(node) || (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly)) return;
    if (ts.isExportDeclaration(node) && node.isTypeOnly) return;
    if (ts.isStringLiteralLike(node)) strings.add(node.text);
    if (ts.isTemplateExpression(node)) {
      strings.add([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('*'));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest));
  return strings;
}

/** @param {string} root @param {string[]} files */
function finder(root, files) {
  const there = new Set(files);
  const folders = new Set(files.flatMap(foldersOf));
  const doors = doorsOf(root, files);

  /** @param {string} pattern */
  const like = (pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^$()[\]{}|\\]/g, '\\$&'));
    const match = new RegExp(`^${parts.join('[^/]*')}$`);
    return files.filter((file) => match.test(file));
  };

  /** The files that a string in `from` names. @param {string} from @param {string} text @returns {string[]} */
  return (from, text) => {
    if (text === PROCESSES) return [text];
    if (/^\.\w+$/.test(text)) return TEST.test(from) ? files.filter((file) => file.endsWith(text)) : [];
    if (!/^[@\w.*/-]+$/.test(text)) return [];
    const path = posix.join(/^\.\.?\//.test(text) ? posix.dirname(from) : '', doors.get(text) ?? text);
    const built = path.replace(/\/dist\/(?:(.*)\.js$)?.*/, (_, name) => (name ? `/src/${name}.ts` : '/src'));
    if (there.has(built)) return [built];
    const folder = built.replace(/\/$/, '');
    // A top folder such as `packages` says where to search and does not mean all its files.
    if (folders.has(folder)) {
      return folder.includes('/') ? files.filter((file) => file.startsWith(`${folder}/`)) : [];
    }
    return /^[\w.-]+\/.*\*/.test(built) ? like(built) : [];
  };
}

/** @param {string} file */
function foldersOf(file) {
  const folders = [];
  for (let folder = posix.dirname(file); folder !== '.'; folder = posix.dirname(folder)) folders.push(folder);
  return folders;
}

/** Maps each import name of our packages to its source file. @param {string} root @param {string[]} files */
function doorsOf(root, files) {
  /** @type {Map<string, string>} */
  const doors = new Map();
  for (const file of files.filter((one) => /^(packages|services|infra)\/[^/]+\/package\.json$/.test(one))) {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    for (const [door, target] of Object.entries(exports)) {
      const source = typeof target === 'string' ? target : target.calltally;
      // Leaves out the page: every API in tests serves it, and tests of the page name it by its path.
      if (SOURCE.test(source)) doors.set(posix.join(name, door), posix.join(posix.dirname(file), source));
    }
  }
  return doors;
}
