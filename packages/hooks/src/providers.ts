import type { Provider } from './provider.ts';
import { elevenlabs } from './providers/elevenlabs.ts';
import { generic } from './providers/generic.ts';
import { livekit } from './providers/livekit.ts';
import { retell } from './providers/retell.ts';
import { telnyx } from './providers/telnyx.ts';
import { twilio } from './providers/twilio.ts';
import { vapi } from './providers/vapi.ts';

/** Every provider, by its name in `/hooks/{provider}/{hook}`. */
export const PROVIDERS: Readonly<Record<string, Provider>> = {
  livekit,
  vapi,
  retell,
  twilio,
  elevenlabs,
  telnyx,
  generic,
};
