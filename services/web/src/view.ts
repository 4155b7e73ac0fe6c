import type { CellFilter } from '@calltally/domain';
import { addressOf, type Choice, choiceOfAddress, USUAL_CHOICE } from './choice.ts';
import { addressOfFilter, filterOfAddress } from './filters.ts';
import { addressOfZone, zoneOfAddress } from './zones.ts';

/** What a person chose to see. The page's address keeps it. */
export interface View {
  choice: Choice;
  filter: CellFilter;
  /** Whose days and hours: a name of IANA, as it is written in the address. */
  timeZone: string;
  /** Whether short ranges are shown by hour. */
  isByHour: boolean;
}

/** @param search the query of the page's address */
export function viewOfAddress(search: string): View {
  return {
    choice: choiceOfAddress(search) ?? USUAL_CHOICE,
    filter: filterOfAddress(search),
    timeZone: zoneOfAddress(search),
    isByHour: new URLSearchParams(search).get('interval') === 'hour',
  };
}

/** `?range=7d&interval=hour&time_zone=Europe/Berlin&agent=ada` */
export function addressOfView({ choice, filter, timeZone, isByHour }: View): string {
  const interval = isByHour ? '&interval=hour' : '';
  return addressOf(choice) + interval + addressOfZone(timeZone) + addressOfFilter(filter);
}
