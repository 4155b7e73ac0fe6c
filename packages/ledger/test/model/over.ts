import type { Source } from '@calltally/store';

/** An object with some of its parts changed. Its own methods do not see the change. */
export function over<T extends object>(whole: T, changed: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const value = (changed as Record<PropertyKey, unknown>)[name] ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A document that does not look like the one of its event. It lies between the same events. */
export function elsewhere<T extends { source: Source }>(document: T): T {
  return { ...document, source: { ...document.source, offset: document.source.offset - 0.5 } };
}
