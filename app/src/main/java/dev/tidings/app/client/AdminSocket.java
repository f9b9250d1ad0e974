// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// The Unix socket in the data directory of a running server: the same HTTP API, the caller is
/// administrator.
public final class AdminSocket implements AutoCloseable {
  /// The name of the socket in the data directory.
  public static final String FILE = "admin.sock";

  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int LARGEST_ANSWER = 1 << 20;
  private static final String HEAD_END = "\r\n\r\n";

  private final SocketChannel channel;

  private AdminSocket(SocketChannel channel) {
    this.channel = channel;
  }

  /// What the server said.
  public record Answer(int status, String body) {
    /// The error an answer tells.
    public String detail() {
      return ApiClient.detail(body);
    }
  }

  /// Connects to the server that runs on the data directory, if one does.
  ///
  /// A file nobody listens on is what a killed server leaves behind, and means that none runs.
  public static Optional<AdminSocket> connect(Path dataDir) {
    Path file = dataDir.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(UnixDomainSocketAddress.of(file));
        return Optional.of(new AdminSocket(channel));
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  /// Sends one JSON body and waits for the answer; the connection is used up by it.
  public Answer post(String path, String json) throws RequestException, InterruptedException {
    return post(path, json, TIMEOUT);
  }

  /// As above, for what may take longer. A server that ends is noticed at once in any case.
  public Answer post(String path, String json, Duration timeout)
      throws RequestException, InterruptedException {
    FutureTask<Answer> exchange = new FutureTask<>(() -> exchange(path, json));
    Thread.ofVirtual().name("admin-socket").start(exchange);
    try {
      return exchange.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      exchange.cancel(true); // Interrupting closes the channel.
      throw new RequestException(
          "the server did not answer on its socket within " + timeout.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw new RequestException(
          "the server gave no answer on its socket: " + e.getCause(), e.getCause());
    }
  }

  private Answer exchange(String path, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            .formatted(path, body.length);
    write(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)));
    write(ByteBuffer.wrap(body));
    return read();
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /// Reads until the server closes, or its Content-Length is reached.
  private Answer read() throws IOException {
    ByteArrayOutputStream received = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocate(8192);
    while (!isComplete(received) && channel.read(buffer) >= 0) {
      received.write(buffer.array(), 0, buffer.position());
      buffer.clear();
      if (received.size() > LARGEST_ANSWER) {
        throw new IOException("an answer above " + LARGEST_ANSWER + " bytes");
      }
    }
    return parse(received.toString(StandardCharsets.UTF_8));
  }

  private static boolean isComplete(ByteArrayOutputStream received) {
    // Bytes as characters, so that positions are those of the Content-Length.
    String bytes = received.toString(StandardCharsets.ISO_8859_1);
    int headEnd = bytes.indexOf(HEAD_END);
    return headEnd >= 0
        && header(bytes.substring(0, headEnd), "content-length")
            .map(length -> bytes.length() >= headEnd + HEAD_END.length() + Integer.parseInt(length))
            .orElse(false);
  }

  private static Answer parse(String text) throws IOException {
    int headEnd = text.indexOf(HEAD_END);
    if (!text.startsWith("HTTP/1.1 ") || headEnd < 0) {
      throw new IOException("something other than an HTTP/1.1 answer");
    }
    String head = text.substring(0, headEnd);
    if (header(head, "transfer-encoding").isPresent()) {
      throw new IOException("an answer in chunks (expected: one with a Content-Length)");
    }
    int status = Integer.parseInt(head.substring("HTTP/1.1 ".length(), "HTTP/1.1 200".length()));
    return new Answer(status, text.substring(headEnd + HEAD_END.length()));
  }

  private static Optional<String> header(String head, String name) {
    List<String> lines = head.lines().skip(1).toList();
    return lines.stream()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
