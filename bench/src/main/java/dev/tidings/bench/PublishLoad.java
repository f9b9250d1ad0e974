// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.PublishCall;
import dev.tidings.bench.load.Requests;
import dev.tidings.bench.load.StampedRequest;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.stream.IntStream;

/// Publishes from a fixed set of encoded requests that all connections share.
final class PublishLoad implements ClosedLoop.Load {
  /// Single publishes are so many different ones, if not more are needed.
  static final int SINGLE_REQUESTS = 256;

  private static final int BULK_REQUESTS = 16;

  private final List<StampedRequest> requests;
  private final PublishCall call;
  private final int[] next;

  /// @param requests at least one, all of one way to publish
  PublishLoad(List<StampedRequest> requests, int connections) {
    this.requests = List.copyOf(requests);
    this.call = requests.getFirst().call();
    this.next = IntStream.range(0, connections).toArray();
  }

  static PublishLoad single(Requests encoder, List<String> topics, int connections) {
    int count = Math.max(SINGLE_REQUESTS, topics.size());
    return new PublishLoad(
        IntStream.range(0, count)
            .mapToObj(i -> encoder.publish(topics.get(i % topics.size())))
            .toList(),
        connections);
  }

  static PublishLoad bulk(Requests encoder, List<String> topics, int messages, int connections) {
    return new PublishLoad(
        IntStream.range(0, BULK_REQUESTS).mapToObj(_ -> encoder.bulk(topics, messages)).toList(),
        connections);
  }

  @Override
  public String what() {
    return call.what();
  }

  @Override
  public int expectedStatus() {
    return call.expectedStatus();
  }

  @Override
  public ByteBuf next(int connection) {
    int request = next[connection]++;
    return requests.get(Math.floorMod(request, requests.size())).toSend();
  }

  @Override
  public ClosedLoop.BodyCheck bodyCheck() {
    return call.bodyCheck();
  }
}
