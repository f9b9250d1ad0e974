// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.Requests;
import dev.tidings.bench.load.StampedRequest;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.stream.IntStream;

/// Publishes, single or in bulk, from a fixed set of encoded requests that all connections share.
final class PublishLoad implements ClosedLoop.Load {
  private static final int SINGLE_REQUESTS = 256;
  private static final int BULK_REQUESTS = 16;

  private final List<StampedRequest> requests;
  private final boolean bulk;
  private final int[] next;

  private PublishLoad(List<StampedRequest> requests, boolean bulk, int connections) {
    this.requests = requests;
    this.bulk = bulk;
    this.next = IntStream.range(0, connections).toArray();
  }

  static PublishLoad single(Requests encoder, List<String> topics, int connections) {
    int count = Math.max(SINGLE_REQUESTS, topics.size());
    return new PublishLoad(
        IntStream.range(0, count)
            .mapToObj(i -> encoder.publish(topics.get(i % topics.size())))
            .toList(),
        false,
        connections);
  }

  static PublishLoad bulk(Requests encoder, List<String> topics, int messages, int connections) {
    return new PublishLoad(
        IntStream.range(0, BULK_REQUESTS).mapToObj(_ -> encoder.bulk(topics, messages)).toList(),
        true,
        connections);
  }

  @Override
  public String what() {
    return "POST " + (bulk ? Requests.BULK : Requests.PUBLISH);
  }

  @Override
  public int expectedStatus() {
    return bulk ? 207 : 201;
  }

  @Override
  public ByteBuf next(int connection) {
    int request = next[connection]++;
    return requests.get(Math.floorMod(request, requests.size())).toSend();
  }

  @Override
  public ClosedLoop.BodyCheck bodyCheck() {
    return bulk ? ClosedLoop.BodyCheck.NOTHING_REJECTED : ClosedLoop.BodyCheck.NONE;
  }
}
