import { PATH_RULE, parsePath, valueAt } from '../path.ts';
import type { GetterOf } from './field-reading.ts';

/** Reads paths of parsed JSON. */
export const getterOfJson: GetterOf = (text) => {
  const path = parsePath(text);
  return path === undefined ? `is no path, which is ${PATH_RULE}` : (record) => valueAt(record, path);
};
