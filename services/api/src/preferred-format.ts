import type { FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { CSV_TYPE } from './csv.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

type Format = 'json' | 'csv';

/** The format that the client prefers; JSON if it has no preference or accepts neither. */
export function preferredFormat({
  query,
  headers,
}: FastifyRequest<{ Querystring: { format?: Format } }>): Format {
  if (query.format !== undefined) return query.format;
  return new Negotiator({ headers }).mediaType([JSON_TYPE, CSV_TYPE]) === CSV_TYPE ? 'csv' : 'json';
}
