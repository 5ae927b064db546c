// The peer "node": the thinnest Socket.IO relay one would write in Node.
//
// A room per client and for whoever joins one, LLM_REQUEST forwarded to its target,
// every chunk re-emitted to who asked or to the room. No auth, no history, no limits,
// no order kept beyond the socket's own: what Tapster does on top of this is what its
// ratio to this peer pays for. socket.io runs with its defaults, so without
// permessage-deflate.

import { createServer } from "node:http";
import { Server } from "socket.io";

const CHUNK_EVENTS = [
  "CLIENT_STREAM_DATA_FIRST",
  "CLIENT_STREAM_DATA_MIDDLE",
  "CLIENT_STREAM_DATA_LAST",
];

/** The room that reads the answer to a request, by requestId. */
const readers = new Map();

const http = createServer();
const llm = new Server(http).of("/llm");

llm.on("connection", (socket) => {
  const { identity, clientId } = socket.handshake.auth;
  const name = identity ?? clientId;
  socket.join(name);

  socket.on("JOIN_ROOM", ({ roomName }, ack) => {
    socket.join(roomName);
    ack({ status: "ok" });
  });

  socket.on("LLM_REQUEST", (request, ack) => {
    const { requestId, target, targetRoom } = request;
    readers.set(requestId, targetRoom ?? name);
    llm.to(target).emit("LLM_REQUEST", request);
    ack?.({ status: "ok", requestId, state: "sent" });
  });

  // CLIENT_STREAM_START needs no handler: to readers, the first chunk opens a stream.
  for (const event of CHUNK_EVENTS) {
    socket.on(event, ({ streamId, outputId, requestId, data, chunkIndex }) => {
      const answer = { streamId, outputId, requestId, source: "server", data };
      answer.index = chunkIndex;
      llm.to(readers.get(requestId)).emit("streamed_data", answer);
    });
  }

  socket.on("CLIENT_STREAM_END", ({ streamId, outputId, requestId }) => {
    const room = llm.to(readers.get(requestId));
    const end = { streamId, outputId, requestId, source: "server" };
    room.emit("streamed_end", end);
    room.emit("REQUEST_STATUS_UPDATE", { requestId, status: "completed" });
    readers.delete(requestId);
  });
});

http.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
