import type { Document } from 'mongodb';

export type Collections = Record<string, ReadonlyMap<string, Document>>;

/** What the store's filters use: equality, patterns, comparisons, `$or`, `$and`, `$nor`, and of arrays `$elemMatch`. */
export function matches(document: Document, filter: Document): boolean {
  return Object.entries(filter).every(([path, wanted]) => {
    const some = () => wanted.some((clause: Document) => matches(document, clause));
    if (path === '$or') return some();
    if (path === '$nor') return !some();
    if (path === '$and') return wanted.every((clause: Document) => matches(document, clause));
    return meets(valueAt(document, path), wanted);
  });
}

function meets(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object') return value === wanted;
  if (wanted instanceof RegExp) return wanted.test(String(value));
  return Object.entries(wanted as Document).every(([operator, bound]) => compares(value, operator, bound));
}

/** Nothing that is absent is less, greater or equal. */
function compares(value: unknown, operator: string, bound: unknown): boolean {
  const [a, b] = [value as number, bound as number];
  switch (operator) {
    case '$in':
      // Null also stands for a field that is not there.
      return (bound as unknown[]).includes(value ?? null);
    case '$lte':
      return a <= b;
    case '$gte':
      return a >= b;
    case '$lt':
      return a < b;
    case '$gt':
      return a > b;
    case '$exists':
      return (value !== undefined) === bound;
    case '$not':
      return !meets(value, bound);
    case '$elemMatch':
      return Array.isArray(value) && value.some((one) => matches(one, bound as Document));
    default:
      throw new Error(`this Mongo does not know ${operator}`);
  }
}

/** A pipeline of `$match`, `$limit`, `$group` and, behind them, `$unionWith`. */
export function aggregated(
  collections: Collections,
  from: string,
  pipeline: readonly Document[],
): Document[] {
  let documents: Document[] = [...collections[from]!.values()];
  for (const { $match, $limit, $group, $unionWith } of pipeline) {
    if ($match) documents = documents.filter((one) => matches(one, $match));
    else if ($limit) documents = documents.slice(0, $limit);
    else if ($group) documents = grouped(documents, $group);
    else documents.push(...aggregated(collections, $unionWith.coll, $unionWith.pipeline));
  }
  return documents;
}

/** `$group` by an expression or a document of them, with `$sum`, `$max` and `$push`. */
function grouped(documents: readonly Document[], { _id, ...sums }: Document): Document[] {
  const groups = new Map<string, Document>();
  for (const document of documents) {
    const key = evaluated(document, _id);
    const id = JSON.stringify(key);
    const group: Document = groups.get(id) ?? { _id: key };
    groups.set(id, group);
    for (const [name, { $sum, $max, $push }] of Object.entries(sums as Record<string, Document>)) {
      if ($sum !== undefined) group[name] = (group[name] ?? 0) + (evaluated(document, $sum) as number);
      else if ($push !== undefined) {
        group[name] ??= [];
        group[name].push(evaluated(document, $push));
      } else {
        const value = evaluated(document, $max) as number;
        if (group[name] === undefined || group[name] < value) group[name] = value;
      }
    }
  }
  return [...groups.values()];
}

/** Not a list: MongoDB takes one for several operands of `$push`, `$sum` or `$max`, and refuses it. */
function isOfFields(of: unknown): of is Document {
  if (Array.isArray(of)) throw new Error('MongoDB refuses a list here');
  return typeof of === 'object' && of !== null && !Object.keys(of)[0]!.startsWith('$');
}

/** A path, a constant, an operator with its operands, or a document of these. */
function evaluated(document: Document, of: unknown): unknown {
  if (typeof of === 'string' && of.startsWith('$')) return valueAt(document, of.slice(1));
  if (typeof of !== 'object' || of === null || of instanceof Date) return of;
  if (isOfFields(of)) {
    const fields = Object.entries(of).map(([name, one]) => [name, evaluated(document, one)] as const);
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  }
  const [[operator, operands]] = Object.entries(of) as [[string, unknown]];
  if (operator === '$switch') {
    const { branches, default: otherwise } = operands as Document;
    const branch = branches.find((one: Document) => evaluated(document, one.case));
    return branch === undefined ? otherwise : branch.then;
  }
  if (operator === '$ifNull') {
    const [value, otherwise] = (operands as unknown[]).map((operand) => evaluated(document, operand));
    return value ?? otherwise;
  }
  if (operator === '$cond') {
    const [condition, yes, no] = operands as [unknown, unknown, unknown];
    return evaluated(document, evaluated(document, condition) ? yes : no);
  }
  const [a, b] = [operands].flat().map((operand) => Number(evaluated(document, operand))) as [number, number];
  switch (operator) {
    case '$multiply':
      return a * b;
    case '$subtract':
      return a - b;
    case '$divide':
      return a / b;
    case '$floor':
      return Math.floor(a);
    case '$lt':
      return a < b;
    case '$gte':
      return a >= b;
    default:
      throw new Error(`this Mongo does not know ${operator}`);
  }
}

function valueAt(document: Document, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Document | undefined)?.[name], document);
}
