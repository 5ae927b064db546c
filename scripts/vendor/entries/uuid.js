// uuid, and uuidv4 with the optional length that pages of SillyTavern-NewAge give it.
import { v4 } from 'uuid';

export * from 'uuid';

export function uuidv4(length = 36) {
  return v4().slice(0, Math.max(0, length));
}
