// Follows channels with the JavaScript client and prints what it sees, one JSON line a step.
// node --experimental-websocket driver.mjs CLIENT_JS URL TOKEN CHANNEL…
// Lines on stdin: "drop" cuts the socket, "say TEXT" sends raw text, "rpc METHOD JSON", "list".
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [file, url, token, ...names] = process.argv.slice(2);
const { connect, retryMs, verdictOf } = await import(pathToFileURL(file));
const print = (what) => console.log(JSON.stringify(what));
const connection = connect({
  url, token,
  onState: (state, code) => print({ state, code }),
  onToken: () => print({ renewed: true }),
});
for (const name of names) {
  const channel = connection.subscribe(name, {
    rateMs: 100,
    onSnapshot: (data) => print({ snapshot: data, seq: channel.seq, kind: channel.kind }),
    onUpdate: (fields) => print({ update: fields, data: channel.data, seq: channel.seq }),
    onEvent: (entry) => print({ event: entry, seq: channel.seq }),
    onGap: (gap) => print({ gap }),
    onError: (error) => print({ error: error.code }),
  });
}
const act = (promise) => promise.then((ok) => print({ ok }), (error) => print({ failed: error.message }));
for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.split(" ");
  if (word === "drop") connection.socket.close();
  else if (word === "skip") connection.channels.get(rest[0]).seq -= 1;
  else if (word === "rpc") act(connection.rpc(rest[0], JSON.parse(rest.slice(1).join(" "))));
  else if (word === "list") act(connection.list());
  else if (word === "age") print({ age: connection.ageMs(), silence: connection.silenceMs() });
  else if (word === "retry") print({ retry: retryMs(...JSON.parse(rest.join(" "))), verdict: verdictOf(4200) });
  else if (word === "end") break;
}
connection.close();
process.exit(0);
