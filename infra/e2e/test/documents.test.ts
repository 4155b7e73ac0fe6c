import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCalltally } from '@calltally/ops';
import { test } from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Third-party and generated folders, and hidden folders except .github. */
const PASSED_OVER = /^(node_modules|dist|fixtures|\.(?!github$).*)$/;
const SOURCES = ['.ts', '.lua', '.cjs', '.mjs'];

const files = filesBelow('');
const documents = files.filter((file) => file.endsWith('.md'));

/** Paths relative to the root. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return PASSED_OVER.test(entry.name) ? [] : filesBelow(path);
    return [path];
  });
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function withoutBlocks(text: string): string {
  return text.replace(/^ *```.*?^ *```$/gms, '');
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, '');
}

function titles(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!);
}

/** The anchor of a heading, as common viewers build it. */
function anchor(title: string): string {
  const kept = title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '');
  return kept.replaceAll(' ', '-');
}

test('every code name in the glossary exists', (t) => {
  const sources = files
    .filter((file) => /^(packages|services)\/[^/]+\/src\/.*\.ts$/.test(file))
    .map(read)
    .join('\n');
  const names = [...read('docs/glossary.md').matchAll(/`([A-Z][A-Za-z]+)(?:\.\w+)?`/g)].map(
    ([, name]) => name!,
  );
  for (const name of names) if (!new RegExp(`\\b${name}\\b`).test(sources)) t.fail(`there is no ${name}`);
  t.ok(names.length > 20, `${names.length} names`);
  t.end();
});

test('every relative link in a document has its target, and its heading', (t) => {
  for (const document of documents) {
    for (const [, target = ''] of withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', heading] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      if (!existsSync(join(root, file))) t.fail(`${document}: ${target}`);
      else if (heading !== undefined && !titles(file).map(anchor).includes(heading)) {
        t.fail(`${document}: no heading for ${target}`);
      }
    }
  }
  t.ok(documents.length > 5, `${documents.length} documents`);
  t.end();
});

test('every path in backticks in a document exists', (t) => {
  for (const document of documents) {
    for (const [, path = ''] of read(document).matchAll(/`((?:docs|infra|packages|services)\/[\w./-]+)`/g)) {
      if (!existsSync(join(root, path))) t.fail(`${document}: ${path}`);
    }
  }
  t.end();
});

test('every npm script that a document names exists', (t) => {
  const scriptsOf = (folder: string) => JSON.parse(read(join(folder, 'package.json'))).scripts ?? {};
  for (const document of documents) {
    const text = read(document);
    for (const [shown, script, alone] of text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)) {
      t.ok((script ?? alone!) in scriptsOf(''), `${document}: ${shown}`);
    }
    for (const [shown, folder = '', script = ''] of text.matchAll(/\bnpm --prefix (\S+) run ([\w:-]+)/g)) {
      t.ok(script in scriptsOf(folder), `${document}: ${shown}`);
    }
  }
  t.end();
});

/** Command lines after `calltally`, from code blocks and backticks. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```.*?^ *```$/gms)].flatMap(([block]) =>
    block.replace(/ \\\n/g, ' ').split('\n'),
  );
  const inBlocks = blocks.map(
    (line) => /^\s*(?:npx |docker compose exec \w+ )?calltally (.*)/.exec(line)?.[1],
  );
  const inText = [...withoutBlocks(text).matchAll(/`(?:npx |docker compose exec \w+ )?calltally ([^`]+)`/g)];
  return [...inBlocks, ...inText.map(([, line]) => line)]
    .filter((line) => line !== undefined)
    .map((line) =>
      line
        .replace(/\s#.*| \|$/g, '')
        .replace(/\s+/g, ' ')
        .trim(),
    );
}

/** The program's complaint about a command line. It does nothing, because its settings are invalid. */
async function refusalOf(line: string): Promise<string | undefined> {
  let said = '';
  const into = (take: (text: string) => void) =>
    new Writable({
      write(chunk, _, done) {
        take(String(chunk));
        done();
      },
    });
  // As a shell has it, with quotes around an argument or a part of it.
  const args = line.match(/(?:'[^']*'|[^\s'])+/g) ?? [];
  await runCalltally(
    args.map((one) => one.replaceAll("'", '')),
    {
      env: { MONGODB_URI: 'unusable' },
      cwd: root,
      stdin: Readable.from([]),
      stdout: into(() => {}),
      stderr: into((text) => {
        said += text;
      }),
      signal: new AbortController().signal,
    },
  );
  return /^calltally: (.*) \(USAGE\)$/m.exec(said)?.[1];
}

test('every calltally command in a document is valid', async (t) => {
  for (const document of documents) {
    for (const line of commandLines(read(document))) {
      const refusal = await refusalOf(line);
      // A bare name means the command itself, not a command line.
      const isNamed = /^[a-z]+( [a-z]+)?$/.test(line) && !refusal?.startsWith('unknown');
      t.ok(refusal === undefined || isNamed, `${document}: calltally ${line}`, { refusal });
    }
  }
  t.match(await refusalOf('verify --everybody'), /unknown option/, 'and one that cannot is refused');
  t.match(await refusalOf('dlq redo'), /unknown command/);
  t.match(await refusalOf('rebuild --concurrency 4'), /give --user/);
});

test('every section that a source file refers to exists', (t) => {
  let references = 0;
  for (const file of files.filter((path) => SOURCES.some((ending) => path.endsWith(ending)))) {
    for (const line of read(file).split('\n')) {
      const document = /\bdocs\/\w+\.md\b/.exec(line)?.[0];
      // Only comments, not code that names a document.
      if (document === undefined || !/^\s*(\/[/*]|\*|--)/.test(line)) continue;
      t.ok(existsSync(join(root, document)), `${file}: ${document}`);
      for (const [, title = ''] of line.matchAll(/"([A-Z][^"]+)"/g)) {
        references++;
        t.ok(existsSync(join(root, document)) && titles(document).includes(title), `${file}: "${title}"`);
      }
    }
  }
  t.ok(references > 3, `${references} references`);
  t.end();
});
