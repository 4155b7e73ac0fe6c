export { type TlsNames, tlsFault } from './tls-fault.ts';
