import { type Rejection, shown } from './rejection.ts';

type Attributes = Readonly<Record<string, unknown>>;

const SPEC_VERSION = '1.0';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Whether parsed JSON is a CloudEvent in structured mode. CloudEvents does not allow an attribute named `call_id`, so an
 * object with both is a call event with an extra field.
 */
export function isCloudEvent(value: unknown): value is Attributes {
  const { specversion, call_id } = (value ?? {}) as Attributes;
  return specversion !== undefined && call_id === undefined;
}

/**
 * The data of a CloudEvent, as JSON or as bytes. Of the attributes only the version is read; no other one matters for
 * counting.
 */
export function dataOf({
  specversion,
  data,
  data_base64,
}: Attributes): { data: unknown } | { bytes: Buffer } | { rejection: Rejection } {
  if (specversion !== SPEC_VERSION) {
    return invalid(
      'specversion',
      `is ${shown(specversion)}; write a CloudEvent of version "${SPEC_VERSION}", or the call event alone`,
    );
  }
  if (data_base64 == null) {
    if (data != null) return { data };
    const message = 'data is missing; write the call event as the data of the CloudEvent';
    return { rejection: { code: 'FIELD_MISSING', field: 'data', message } };
  }
  if (data != null) return invalid('data_base64', 'and data are both present; write one of them');
  if (typeof data_base64 !== 'string' || !BASE64.test(data_base64)) {
    return invalid('data_base64', `is ${shown(data_base64)}; it must be a base64 string`);
  }
  return { bytes: Buffer.from(data_base64, 'base64') };
}

function invalid(field: string, fault: string): { rejection: Rejection } {
  return { rejection: { code: 'FIELD_INVALID', field, message: `${field} ${fault}` } };
}
