import Type from 'typebox';
import { fragment } from './fragment.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Section `log`. */
export const LogSettings = fragment(
  'log',
  Type.Object({
    LOG_LEVEL: Type.Enum(levels, {
      default: 'info',
      description: `the least that is logged: ${levels.map((level) => `\`${level}\``).join(', ')}`,
      remedy: `one of ${levels.join(', ')}`,
    }),
  }),
  ({ LOG_LEVEL }) => ({ level: LOG_LEVEL }),
);
