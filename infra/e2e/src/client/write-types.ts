import { writeFileSync } from 'node:fs';
import { clientTypes } from './client-types.ts';

writeFileSync(new URL('../../../../packages/client/src/openapi.ts', import.meta.url), await clientTypes());
