// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Gathers the bodies of requests, each up to a bound (413) and all together up to another (503),
/// and each within the time [Connections] gives it (408).
public final class Bodies {
  private final long maxBody;
  private final long maxTotal;
  private final AtomicLong total = new AtomicLong();

  /// Bodies of at most `maxBody` bytes, of at most `maxTotal` bytes together.
  public Bodies(long maxBody, long maxTotal) {
    this.maxBody = maxBody;
    this.maxTotal = maxTotal;
  }

  /// Reads the body of `call` and hands it to `then`; answers itself if it is too large or the
  /// server has no room.
  public void read(Call call, Consumer<byte[]> then) {
    HttpServerRequest request = call.request();
    if (announced(request) > maxBody) {
      tooLarge(call);
      return;
    }
    new Gathering(call, then).begin();
  }

  private static long announced(HttpServerRequest request) {
    String length = request.headers().get(HttpHeaders.CONTENT_LENGTH);
    try {
      return length == null ? 0 : Long.parseLong(length);
    } catch (NumberFormatException _) {
      // Beyond 64 bits: too large in any case.
      return Long.MAX_VALUE;
    }
  }

  private void tooLarge(Call call) {
    // The rest of the body is not worth reading: the connection ends with the answer.
    call.with(HttpHeaders.CONNECTION, "close");
    call.error(
        413, "PAYLOAD_TOO_LARGE", "The body is larger than the limit of " + maxBody + " bytes");
  }

  /// The body of one request on its way in.
  private final class Gathering {
    private final Call call;
    private final Consumer<byte[]> then;
    private Buffer body = Buffer.buffer();
    private long reserved;
    private boolean finished;
    private final Connections.@Nullable Connection connection;

    private Gathering(Call call, Consumer<byte[]> then) {
      this.call = call;
      this.then = then;
      this.connection = call.loop().connections().find(call.request().connection());
    }

    private void begin() {
      HttpServerRequest request = call.request();
      if (connection != null) {
        connection.receiving(this::late);
      }
      request.exceptionHandler(_ -> finish());
      request.handler(this::add);
      request.endHandler(_ -> {
        if (!finished) {
          byte[] bytes = body.getBytes();
          finish();
          call.guarded(() -> then.accept(bytes));
        }
      });
    }

    private void add(Buffer piece) {
      if (finished) {
        return;
      }
      if (body.length() + piece.length() > maxBody) {
        finish();
        tooLarge(call);
        return;
      }
      reserved += piece.length();
      if (total.addAndGet(piece.length()) > maxTotal) {
        finish();
        call.with(HttpHeaders.CONNECTION, "close")
            .unavailable("the server is receiving too many large requests at once; try again");
        return;
      }
      body.appendBuffer(piece);
    }

    /// Bytes that never come must not hold the room of others.
    private void late() {
      finish();
      call.with(HttpHeaders.CONNECTION, "close");
      call.detail(408, "The body did not arrive in time");
    }

    private void finish() {
      if (!finished) {
        finished = true;
        if (connection != null) {
          connection.received();
        }
        total.addAndGet(-reserved);
        body = Buffer.buffer();
      }
    }
  }
}
