// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdminSocketTest {
  @TempDir Path folder;

  @Test
  void post_isPlainHttp_andTheAnswerIsRead() throws Exception {
    String body = "{\"username\":\"zoë\"}";
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    try (ServerSocketChannel server = listen()) {
      CompletableFuture<String> request =
          answer(
              server,
              "HTTP/1.1 201 Created\r\ncontent-length: " + length + "\r\n\r\n" + body,
              true);
      try (AdminSocket socket = AdminSocket.connect(folder).orElseThrow()) {
        AdminSocket.Answer answer = socket.post("/auth/register", "{\"é\":1}");
        assertThat(answer).isEqualTo(new AdminSocket.Answer(201, body));
      }
      assertThat(request.get())
          .startsWith("POST /auth/register HTTP/1.1\r\nHost: localhost\r\n")
          .contains("Content-Length: 8\r\n")
          .doesNotContain("Authorization")
          .endsWith("\r\n\r\n{\"é\":1}");
    }
  }

  @Test
  void answer_withoutLength_endsWithTheConnection() throws Exception {
    try (ServerSocketChannel server = listen()) {
      var _ = answer(server, "HTTP/1.1 400 Bad Request\r\n\r\n{\"detail\":\"taken\"}", false);
      try (AdminSocket socket = AdminSocket.connect(folder).orElseThrow()) {
        AdminSocket.Answer answer = socket.post("/x", "{}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.detail()).isEqualTo("taken");
      }
    }
  }

  @Test
  void answer_thatIsNotHttp_isRefused() throws Exception {
    try (ServerSocketChannel server = listen()) {
      var _ = answer(server, "hello", false);
      try (AdminSocket socket = AdminSocket.connect(folder).orElseThrow()) {
        assertThatThrownBy(() -> socket.post("/x", "{}"))
            .isInstanceOf(RequestException.class)
            .hasMessageContaining("something other than an HTTP/1.1 answer");
      }
    }
  }

  @Test
  void connect_withoutSocket_findsNoServer() {
    assertThat(AdminSocket.connect(folder)).isEmpty();
  }

  @Test
  void connect_toASocketLeftByAKilledServer_findsNoServer() throws IOException {
    listen().close(); // The file stays.
    assertThat(folder.resolve(AdminSocket.FILE)).exists();
    assertThat(AdminSocket.connect(folder)).isEmpty();
  }

  private ServerSocketChannel listen() throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(folder.resolve(AdminSocket.FILE)));
    return server;
  }

  /// Accepts one connection, reads a request and answers; completes with the request.
  private static CompletableFuture<String> answer(
      ServerSocketChannel server, String text, boolean keepOpen) {
    CompletableFuture<String> request = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            SocketChannel client = server.accept();
            ByteBuffer buffer = ByteBuffer.allocate(4096);
            String read = "";
            while (!read.contains("\r\n\r\n{")) {
              client.read(buffer);
              read = new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
            }
            client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            if (!keepOpen) {
              client.close();
            }
            request.complete(read);
          } catch (IOException e) {
            request.completeExceptionally(e);
          }
        });
    return request;
  }
}
