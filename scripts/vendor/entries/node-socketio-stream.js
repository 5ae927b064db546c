// The stream library as an ES module, and under the name its own bundle has in pages.
import ss from '@sap_oss/node-socketio-stream';

globalThis.ss = ss;

export default ss;
export const { Buffer, Socket, IOStream, createStream, createBlobReadStream } = ss;
