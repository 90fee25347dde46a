export interface ParcelEvent {
  parcel: string;
  place: string;
  at: Date;
}

/** Follow a parcel; reconnects with growing pauses when the connection is lost. */
export function follow(parcel: string, onEvent: (event: ParcelEvent) => void): () => void {
  let stopped = false;
  let pause = 500;
  const connect = () => {
    const source = new EventSource(`/parcels/${parcel}/events`);
    source.onmessage = (message) => {
      pause = 500;
      onEvent(JSON.parse(message.data));
    };
    source.onerror = () => {
      source.close();
      if (!stopped) {
        setTimeout(connect, pause);
        pause = Math.min(pause * 2, 30_000);
      }
    };
  };
  connect();
  return () => {
    stopped = true;
  };
}
