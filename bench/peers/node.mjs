// The peer "node": the thinnest Socket.IO relay one would write in Node.
//
// A room per client, LLM_REQUEST forwarded to its target, every chunk re-emitted to
// whoever asked. No auth, no history, no limits, no order kept beyond the socket's
// own: what Tapster does on top of this is what its ratio to this peer pays for.
// socket.io runs with its defaults, so without permessage-deflate.

import { createServer } from "node:http";
import { Server } from "socket.io";

const CHUNK_EVENTS = [
  "CLIENT_STREAM_DATA_FIRST",
  "CLIENT_STREAM_DATA_MIDDLE",
  "CLIENT_STREAM_DATA_LAST",
];

/** The room of the client that made a request, by requestId. */
const requesters = new Map();

const http = createServer();
const llm = new Server(http).of("/llm");

llm.on("connection", (socket) => {
  const { identity, clientId } = socket.handshake.auth;
  const name = identity ?? clientId;
  socket.join(name);

  socket.on("LLM_REQUEST", (request, ack) => {
    const { requestId, target } = request;
    requesters.set(requestId, name);
    llm.to(target).emit("LLM_REQUEST", request);
    ack?.({ status: "ok", requestId, state: "sent" });
  });

  // CLIENT_STREAM_START needs no handler: to readers, the first chunk opens a stream.
  for (const event of CHUNK_EVENTS) {
    socket.on(event, ({ streamId, outputId, requestId, data, chunkIndex }) => {
      const answer = { streamId, outputId, requestId, source: "server", data };
      answer.index = chunkIndex;
      llm.to(requesters.get(requestId)).emit("streamed_data", answer);
    });
  }

  socket.on("CLIENT_STREAM_END", ({ streamId, outputId, requestId }) => {
    const requester = llm.to(requesters.get(requestId));
    const end = { streamId, outputId, requestId, source: "server" };
    requester.emit("streamed_end", end);
    requester.emit("REQUEST_STATUS_UPDATE", { requestId, status: "completed" });
    requesters.delete(requestId);
  });
});

http.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
