// The `ws` package as a benchmark subject: node ws_server.cjs BYTES HZ (NODE_PATH finds ws).
const { WebSocketServer, WebSocket } = require("ws");
const size = Number(process.argv[2]);
const hz = Number(process.argv[3]);
const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, backlog: 1024, perMessageDeflate: false,
  handleProtocols: () => "lc.v1.json",
});
server.on("listening", () => console.log(server.address().port));
const payload = Buffer.from('{"type":"upd","x":"' + "x".repeat(size - 21) + '"}');
setInterval(() => {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(payload, { binary: false });
  }
}, 1000 / hz);
