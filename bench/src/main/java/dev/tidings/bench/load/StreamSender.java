// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// One sender: sends to its stream, and again as soon as that is answered. Touched by its event
/// loop alone.
final class StreamSender implements HttpConnection.Asker {
  private final StreamPairs all;
  private final HttpConnection connection;
  private final StreamLedger ledger;
  private final long stream;
  private final StreamSend request;
  private long next;

  StreamSender(
      StreamPairs all,
      HttpConnection connection,
      StreamLedger ledger,
      long stream,
      StreamSend request) {
    this.all = all;
    this.connection = connection;
    this.ledger = ledger;
    this.stream = stream;
    this.request = request;
  }

  void start() {
    connection
        .loop()
        .execute(() -> {
          connection.attach(this, StreamRequests.SEND, 200, false);
          send();
        });
  }

  private void send() {
    if (all.isStopped()) {
      ledger.senderEnded();
      request.release();
      all.ended();
      return;
    }
    connection.send(request.toSend(stream, connection.index(), next++, Stamp.nowNs()));
  }

  @Override
  public void answered(HttpConnection answering, ResponseScanner answer) {
    if (!answer.isExpected()) {
      // Whether the message is in the stream is not known now, so nothing can be counted.
      all.failures().broken(answer.keptText());
      return;
    }
    ledger.accepted();
    all.sent(Stamp.nowNs() - connection.sentAtNs());
    send();
  }
}
