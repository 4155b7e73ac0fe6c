import { EventEmitter } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { test } from 'tap';
import { ByteBudget } from '../src/byte-budget.ts';

test('bytes are taken before the body is read, and given back once, whatever becomes of the request', (t) => {
  const budget = new ByteBudget(100, 60);
  const begin = (headers: Record<string, string>) => {
    const raw = new EventEmitter();
    budget.admit({ headers } as FastifyRequest, { raw } as unknown as FastifyReply, () => {});
    return raw;
  };
  const first = begin({ 'content-length': '30' });
  const second = begin({});
  t.equal(budget.used, 90, 'a body of unknown length may be as large as a body may be');
  t.throws(() => begin({ 'content-length': '11' }), { code: 'OVERLOADED', status: 503 });
  t.throws(() => begin({ 'content-length': '5', 'content-encoding': 'gzip' }), { code: 'OVERLOADED' });
  t.equal(budget.refused, 2);
  second.emit('close');
  second.emit('close');
  t.equal(budget.used, 30);
  begin({ 'content-length': '999' });
  t.equal(budget.used, 90, 'more than that is never read');
  first.emit('close');
  t.equal(budget.used, 60);
  t.end();
});
