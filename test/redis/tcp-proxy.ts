import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can be made slow, cut, or shut. */
export interface TcpProxy {
  readonly url: string;
  /** Keeps what passes, in both directions, until `flow()`; connections stay. */
  hold(): void;
  /** Lets everything pass again, first what was kept. */
  flow(): void;
  /** Resolves when something is being kept: a command that the server will not get. */
  kept(): Promise<void>;
  /** Ends all connections as a router that restarts does. */
  cut(): void;
  close(): Promise<void>;
}

/** Opens a way to a port of this machine. */
export async function openProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const pending: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  let isHolding = false;

  const pass = (from: Socket, to: Socket): void => {
    from.on("data", (chunk) => {
      const write = (): void => {
        if (to.writable) to.write(chunk);
      };
      if (!isHolding) return write();
      pending.push(write);
      for (const tell of waiting.splice(0)) tell();
    });
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };

  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket);
    pass(client, upstream);
    pass(upstream, client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    url: `redis://127.0.0.1:${port}`,
    hold() {
      isHolding = true;
    },
    flow() {
      isHolding = false;
      for (const write of pending.splice(0)) write();
    },
    kept: () => (pending.length > 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    cut,
    async close() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
