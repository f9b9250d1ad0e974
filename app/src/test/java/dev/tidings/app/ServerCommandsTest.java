// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.app.client.AdminSocket;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Commands that ask a running server, against a socket that answers what it is told to.
class ServerCommandsTest {
  private static final String DONE = "HTTP/1.1 204 No Content\r\n\r\n";

  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @CsvSource({
    "cleanup-acked-messages, acked_messages",
    "cleanup_acked_messages, acked_messages",
    "cleanup-stuck-messages, stuck_messages",
    "cleanup_stuck_messages, stuck_messages",
  })
  void cleanup_asksTheServer_andPrintsNothing(String command, String what) throws Exception {
    try (ServerSocketChannel server = listen()) {
      CompletableFuture<String> request = answer(server, DONE);

      assertThat(run(command)).isZero();

      assertThat(request.get(5, TimeUnit.SECONDS))
          .startsWith("POST /admin/cleanup HTTP/1.1\r\n")
          .endsWith("{\"what\":\"" + what + "\"}");
      assertThat(out.toString()).isEmpty();
      assertThat(err.toString()).isEmpty();
    }
  }

  @Test
  void cleanup_thatTheServerRefuses_failsWithItsReason() throws Exception {
    String body = "{\"detail\":\"The store takes no writes\"}";
    String refusal =
        "HTTP/1.1 503 Unavailable\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    try (ServerSocketChannel server = listen()) {
      var _ = answer(server, refusal);

      assertThat(run("cleanup-stuck-messages")).isEqualTo(1);

      assertThat(err.toString())
          .contains("stuck messages were not cleaned up: 503 The store takes no writes");
      assertThat(out.toString()).isEmpty();
    }
  }

  @Test
  void dbMigrate_withAServer_leavesTheStoreToIt() throws Exception {
    try (ServerSocketChannel _ = listen()) {
      assertThat(run("db-migrate")).isZero();

      assertThat(err.toString()).contains("a server runs on " + folder, "is up to date");
      assertThat(out.toString()).isEmpty();
    }
  }

  private int run(String command) {
    return Main.commandLine(
            _ -> {
              throw new StartException("no server is started here");
            })
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(command, "--data-dir", folder.toString());
  }

  private ServerSocketChannel listen() throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(folder.resolve(AdminSocket.FILE)));
    return server;
  }

  /// Accepts one connection, reads a request with a body and answers; completes with the request.
  private static CompletableFuture<String> answer(ServerSocketChannel server, String text) {
    CompletableFuture<String> request = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try (SocketChannel client = server.accept()) {
            ByteBuffer buffer = ByteBuffer.allocate(4096);
            String read = "";
            while (!read.endsWith("}") && client.read(buffer) >= 0) {
              read = new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
            }
            client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            request.complete(read);
          } catch (IOException e) {
            request.completeExceptionally(e);
          }
        });
    return request;
  }
}
