import { maskKeys } from '@calltally/http';
import { distance } from 'fastest-levenshtein';
import type { FastifyRequest } from 'fastify';
import type { TObject } from 'typebox';
import { ApiError } from './api-error.ts';

/** Names that other APIs use for our parameters, in lower case, without `_` and `-`. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  start_date: [
    ...['start', 'from', 'since', 'after', 'begin', 'begindate', 'fromdate', 'datefrom', 'datestart'],
    ...['startsat', 'startedat', 'timefrom', 'mindate', 'datemin', 'timemin', 'gte'],
    ...['periodstart', 'rangestart', 'createdafter', 'startedafter'],
  ],
  end_date: [
    ...['end', 'to', 'until', 'till', 'before', 'through', 'todate', 'dateto', 'dateend', 'untildate'],
    ...['endsat', 'endedat', 'timeto', 'maxdate', 'datemax', 'timemax', 'lte'],
    ...['periodend', 'rangeend', 'createdbefore', 'startedbefore'],
  ],
  time_zone: [
    'tz',
    'tzid',
    'tzname',
    'timezoneid',
    'timezonename',
    'zone',
    'zoneid',
    'ianatimezone',
    'localtimezone',
  ],
  user_id: ['user', 'uid', 'userids'],
  agent_id: [
    ...['agent', 'agents', 'agentids', 'agentname', 'aid'],
    ...['assistant', 'assistantid', 'assistants', 'bot', 'botid'],
  ],
  direction: ['dir', 'directions', 'calldirection', 'calltype'],
  status: ['state', 'states', 'statuses', 'callstatus', 'callstate', 'outcome', 'disposition'],
  by: [
    ...[
      'groupby',
      'group',
      'groups',
      'groupedby',
      'breakdown',
      'breakdownby',
      'splitby',
      'split',
      'segmentby',
    ],
    ...['dimension', 'dimensions', 'facet', 'facets', 'field', 'fields'],
  ],
  order: ['orderby', 'ordering', 'sort', 'sortby', 'sorting', 'sorted'],
  limit: ['max', 'maxgroups', 'top', 'count', 'first', 'take', 'size', 'pagesize', 'perpage', 'maxresults'],
  compare: [
    ...[
      'comparewith',
      'compareto',
      'comparison',
      'compared',
      'comparedto',
      'compareperiod',
      'compareprevious',
    ],
    ...['previous', 'previousperiod', 'prev', 'versus', 'vs', 'withprevious', 'includeprevious'],
  ],
  interval: ['granularity', 'bucket', 'bucketsize', 'resolution', 'groupby', 'step'],
  format: ['fmt', 'output', 'outputformat'],
  separator: ['sep', 'delimiter', 'delim', 'fieldseparator', 'columnseparator'],
  decimal: ['decimalseparator', 'decimalmark', 'decimalpoint', 'decimalsign'],
};

/** Names of a whole range, which two parameters tell here, or one. */
const RANGE_NAMES: readonly string[] = [
  'date',
  'dates',
  'day',
  'days',
  'daterange',
  'range',
  'window',
  'timerange',
  'timeframe',
  'timeperiod',
];

/** Endings that only say that a name is a time: `startDateTime`, `end_ts`, `from_time_utc`. */
const OF_TIME = /(?:(?:date)?time(?:stamp)?|ts|utc|ms)$/;

const NAME_LENGTH_MAX = 40;
const LONG_NAME = 7;
/** Of shorter names every slip is another word. */
const SHORT_NAME = 4;

/**
 * A hook that refuses misspelt parameters. Ignoring one would silently answer for another range. Names that look like
 * none of the route's parameters are ignored.
 */
export function refuseMisspelt({ properties }: TObject) {
  const names = Object.keys(properties);
  return (request: Pick<FastifyRequest, 'query'>, _reply: unknown, done: () => void): void => {
    for (const given in request.query as object) {
      if (names.includes(given)) continue;
      const meant = meantBy(given, names);
      if (meant === undefined) continue;
      const shown = JSON.stringify(maskKeys(given).slice(0, NAME_LENGTH_MAX));
      const message = `${shown} is no parameter here. Write ${meant}, or leave it out.`;
      throw new ApiError('INVALID_PARAMETER', { message });
    }
    done();
  };
}

/** The parameter that a name was probably meant to be; undefined if it looks like none. */
export function meantBy(given: string, names: readonly string[]): string | undefined {
  // `start_date[]`, `date[from]`, `filter.start_date`, and `amp;end_date` from an HTML-escaped `&`.
  const parts = given
    .slice(-NAME_LENGTH_MAX)
    .toLowerCase()
    .split(/[^a-z0-9_\s-]+/)
    .map(plain)
    .filter((part) => part !== '');
  const whole = [...parts.toReversed(), parts.join('')];
  const candidates = whole.flatMap((name) => [name, withoutTime(name)]);
  for (const candidate of candidates) {
    if (RANGE_NAMES.includes(candidate)) return 'start_date and end_date, or period';
    const found = names.find(
      (name) => OTHER_NAMES[name]?.includes(candidate) || looksLike(candidate, plain(name)),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function plain(name: string): string {
  return name.replace(/[_\s-]/g, '');
}

function withoutTime(name: string): string {
  const shorter = name.replace(OF_TIME, '');
  return shorter === name || shorter === '' ? shorter : withoutTime(shorter);
}

/** A letter or two wrong, missing, added or transposed. */
function looksLike(given: string, name: string): boolean {
  if (name.length < SHORT_NAME) return given === name;
  const slipsMax = name.length >= LONG_NAME ? 2 : 1;
  if (Math.abs(given.length - name.length) > slipsMax) return false;
  return distance(given, name) <= slipsMax || sorted(given) === sorted(name);
}

function sorted(text: string): string {
  return [...text].sort().join('');
}
