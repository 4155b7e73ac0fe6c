import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Not ours, or made by us; and hidden folders. */
const PASSED_OVER = /^(node_modules|dist|fixtures|\..*)$/;

const files = filesBelow('');
const documents = files.filter((file) => file.endsWith('.md'));

/** Paths from the root. */
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

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
}

function titles(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!);
}

/** As the usual viewers name the anchor of a heading. */
function anchor(title: string): string {
  const kept = title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '');
  return kept.replaceAll(' ', '-');
}

test('every relative link of a document leads somewhere, to its heading too', (t) => {
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

test('every path that a document names in backticks is there', (t) => {
  for (const document of documents) {
    for (const [, path = ''] of read(document).matchAll(/`((?:docs|infra|packages|services)\/[\w./-]+)`/g)) {
      if (!existsSync(join(root, path))) t.fail(`${document}: ${path}`);
    }
  }
  t.end();
});

test('every npm script and every calltally command that a README shows is there', (t) => {
  const { scripts } = JSON.parse(read('package.json'));
  for (const document of documents.filter((file) => file.endsWith('README.md'))) {
    const text = read(document);
    for (const [, run, name = ''] of text.matchAll(/\bnpm (run )?(start|test|(?<=run )[\w-]+)/g)) {
      t.ok(name in scripts, `${document}: npm ${run ?? ''}${name}`);
    }
    for (const [, words = ''] of text.matchAll(/\b(?:npx|api|ingest) calltally ([a-z]+(?: [a-z]+)?)/g)) {
      const commands = [words, words.split(' ')[0]!].map((command) => command.replace(' ', '-'));
      const found = commands.some((name) => files.includes(`services/ops/src/commands/${name}.ts`));
      t.ok(found, `${document}: calltally ${words}`);
    }
  }
  t.end();
});

test('every section that a source refers to by its title is there', (t) => {
  let references = 0;
  for (const file of files.filter((path) => /\.(ts|lua|cjs|mjs)$/.test(path))) {
    for (const line of read(file).split('\n')) {
      const document = /\bdocs\/\w+\.md\b/.exec(line)?.[0];
      // A comment, and not a line of code that names a document.
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
