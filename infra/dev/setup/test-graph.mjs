import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Every engine is a process of this file's: a test that does not come to it needs none. */
const ENGINES = 'packages/stack/src/daemon.ts';
/** Whoever imports it may start a process, which takes as long as dozens of tests. */
const PROCESSES = 'node:child_process';
/** Plays the protocol, schedule after schedule, for minutes. */
const MODEL = 'packages/ledger/test/model/world.ts';
/** As `.taprc` has it. */
const TEST = /^(packages|services|infra)\/[^/]+\/test\/.*\.test\.ts$/;
const SOURCE = /\.([cm]?js|tsx?)$/;
/** What a change of says nothing of which tests it can touch: packages, tap, what tsx makes of TypeScript. */
const ALL = /(^|\/)package\.json$|^(pnpm-|\.npmrc$|\.taprc$|tsconfig\.)|^infra\/kafka\/patches\//;
/** Not ours, or made by us. */
const PASSED_OVER = /^(node_modules|dist|\.git|\.tap|\.calltally)$/;

/**
 * Which files each test comes to. A file comes to those that it imports, and to those that it names in a string: by a
 * path from itself, such as the main file of a process, or from the root, such as a document. `${…}` in a name stands
 * for anything, `dist/` for the `src/` it is built from, and an ending such as `.md` in a test for all files with it.
 * Types alone are left out: tsx does so, too.
 *
 * @param {string} root
 * @param {string[]} gone files that are there no more, so that who still names them is known
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
    // A set gives what is added to it on the way, too. Another test is only read, as a document is.
    for (const file of reached) {
      if (file === test || !TEST.test(file)) for (const one of next(file)) reached.add(one);
    }
    return reached;
  };

  // Names from the root are left out: what a process starts is named from the file that starts it.
  const needs = (/** @type {string} */ test) => reach(test, (file) => namedBy(file).near);
  const tests = files.filter((file) => TEST.test(file) && !gone.includes(file));
  /** Starts nothing, no engine and no process, and does not search for minutes. @param {string} test */
  const isUnit = (test) => ![ENGINES, PROCESSES, MODEL].some((one) => needs(test).has(one));
  return {
    tests,

    /** Whether it starts engines, or may: so also for what is no test that is known. @param {string} test */
    needsEngines: (test) => !tests.includes(test) || needs(test).has(ENGINES),

    unitTests: () => tests.filter(isUnit),

    /** Those that can share a process with others: they may use engines, and start no process of their own. */
    groupableTests: () =>
      tests.filter((test) => {
        if (/^(infra|packages\/stack)\//.test(test)) return isUnit(test);
        const own = [...needs(test)].filter((file) => !file.startsWith('packages/stack/'));
        return !own.some((file) => file === MODEL || namedBy(file).near.includes(PROCESSES));
      }),

    /**
     * The tests that a change of these files can touch, and those of the files that no test comes to.
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

/** @param {string} root @returns {string[]} paths from the root */
function filesBelow(root, folder = '') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return PASSED_OVER.test(entry.name) ? [] : filesBelow(root, path);
    return [path];
  });
}

/**
 * Every string of a source that is none of a type; `*` where something is put in.
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
    // `packages` as such means where to look, and not all of them.
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

/** What our packages are imported by. @param {string} root @param {string[]} files */
function doorsOf(root, files) {
  /** @type {Map<string, string>} */
  const doors = new Map();
  for (const file of files.filter((one) => /^(packages|services|infra)\/[^/]+\/package\.json$/.test(one))) {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    for (const [door, target] of Object.entries(exports)) {
      const source = typeof target === 'string' ? target : target.calltally;
      // The page is served by every API that tests start; those that look at it name it by its path.
      if (SOURCE.test(source)) doors.set(posix.join(name, door), posix.join(posix.dirname(file), source));
    }
  }
  return doors;
}
