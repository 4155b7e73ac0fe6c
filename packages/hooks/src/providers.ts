import type { Provider } from './provider.ts';
import { elevenlabs } from './providers/elevenlabs.ts';
import { generic } from './providers/generic.ts';
import { telnyx } from './providers/telnyx.ts';
import { twilio } from './providers/twilio.ts';

/** Every provider, by its name in `/hooks/{provider}/{hook}`. */
export const PROVIDERS: Readonly<Record<string, Provider>> = { elevenlabs, generic, telnyx, twilio };
