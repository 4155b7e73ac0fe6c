import type { CellFilter } from '@calltally/domain';
import { addressOf, type Choice, choiceOfAddress, USUAL_CHOICE } from './choice.ts';
import { addressOfFilter, filterOfAddress } from './filters.ts';

/** What a person chose to see. The page's address keeps it. */
export interface View {
  choice: Choice;
  filter: CellFilter;
}

/** @param search the query of the page's address */
export function viewOfAddress(search: string): View {
  return { choice: choiceOfAddress(search) ?? USUAL_CHOICE, filter: filterOfAddress(search) };
}

/** `?range=7d&agent=ada` */
export function addressOfView({ choice, filter }: View): string {
  return addressOf(choice) + addressOfFilter(filter);
}
