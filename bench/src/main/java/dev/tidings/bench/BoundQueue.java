// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Ack;
import dev.tidings.bench.load.EachOnce;
import dev.tidings.bench.load.ExchangeRequests;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.StampedRequest;
import java.util.List;
import java.util.function.IntFunction;

/// A new exchange and a queue for it, for one measurement; both are gone after [#close].
final class BoundQueue implements AutoCloseable {
  private final ExchangeSession exchanges;
  private final String name;

  private BoundQueue(ExchangeSession exchanges, String name) {
    this.exchanges = exchanges;
    this.name = name;
  }

  /// Makes the exchange and the queue, which have the same name; the queue is not bound yet.
  static BoundQueue create(ExchangeSession exchanges, String type, boolean durable, String mode)
      throws InterruptedException {
    var made = new BoundQueue(exchanges, exchanges.newName());
    exchanges.api().createExchange(made.name, type);
    boolean complete = false;
    try {
      exchanges.api().createQueue(made.name, durable, mode);
      complete = true;
      return made;
    } finally {
      if (!complete) {
        made.close();
      }
    }
  }

  /// Binds the queue once.
  void bind(String key) throws InterruptedException {
    exchanges.api().bind(name, name, key);
  }

  /// Binds the queue so many times, over all these connections.
  void bind(List<HttpConnection> connections, int bindings, IntFunction<String> key)
      throws InterruptedException {
    var calls =
        EachOnce.calls(
            connections,
            ExchangeRequests.BIND,
            200,
            number -> exchanges.encoder().bind(name, name, key.apply((int) number)),
            bindings,
            exchanges.session().failures());
    finish(calls);
  }

  /// Publishes each of these once.
  void publish(List<HttpConnection> connections, List<StampedRequest> requests)
      throws InterruptedException {
    var calls =
        EachOnce.calls(
            connections,
            requests.getFirst().call().what(),
            requests.getFirst().call().expectedStatus(),
            number -> requests.get((int) number).toSend(),
            requests.size(),
            exchanges.session().failures());
    finish(calls);
  }

  private void finish(EachOnce calls) throws InterruptedException {
    calls.start();
    exchanges
        .session()
        .holdUntil(calls.done(), exchanges.patience(), calls::answered, calls::shortfall);
  }

  /// A publish to the exchange.
  StampedRequest request(String key) {
    return exchanges.encoder().publish(name, key);
  }

  /// Opens sockets that each get every message.
  SocketGroup broadcast(int sockets, int sampleEvery) throws InterruptedException {
    return exchanges.session().sockets().onBroadcast(name, sockets, sampleEvery);
  }

  /// Opens sockets that compete for the messages.
  SocketGroup work(int sockets, Ack ack, int prefetch) throws InterruptedException {
    return exchanges.session().sockets().onWork(name, sockets, ack, prefetch);
  }

  /// Deletes the queue's messages and returns how many there were.
  long purge() throws InterruptedException {
    return exchanges.api().purge(name);
  }

  /// Makes sure that the queue has no messages, leased or not, and no dead letters; acks may be on
  /// their way.
  void requireEmpty() throws InterruptedException {
    ApiCalls.await(
        "GET /queues/" + name,
        () -> exchanges.api().counts(name),
        new ExchangeApi.Counts(0, 0, 0),
        exchanges.patience());
  }

  @Override
  public void close() {
    Session session = exchanges.session();
    session.delete("The exchange " + name + " stays", () -> exchanges.api().deleteExchange(name));
    session.delete("The queue " + name + " stays", () -> exchanges.api().deleteQueue(name));
  }
}
