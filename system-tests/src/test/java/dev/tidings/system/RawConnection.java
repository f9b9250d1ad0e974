// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.net.ssl.SSLContext;

/// A bare TCP connection to the server, for what a well-behaved client cannot send.
final class RawConnection implements AutoCloseable {

  private final Socket socket;
  private final InputStream in;
  private final String hostHeader;

  private RawConnection(Socket socket, String hostHeader) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
    this.hostHeader = hostHeader;
  }

  static RawConnection open(TidingsProcess server) {
    return open(server, 0);
  }

  /// With a receive buffer of about this size, so that the peer soon notices that nobody reads.
  static RawConnection open(TidingsProcess server, int receiveBuffer) {
    try {
      var socket = new Socket();
      if (receiveBuffer > 0) {
        socket.setReceiveBufferSize(receiveBuffer); // Counts only before connecting.
      }
      socket.connect(new InetSocketAddress(server.host(), server.port()), 5_000);
      socket.setSoTimeout((int) Await.SOON.toMillis());
      socket.setTcpNoDelay(true);
      return new RawConnection(socket, server.url().getAuthority());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The same over TLS.
  static RawConnection openTls(TidingsProcess server, SSLContext context, int receiveBuffer) {
    URI url = server.tlsUrl();
    try {
      var plain = new Socket();
      if (receiveBuffer > 0) {
        plain.setReceiveBufferSize(receiveBuffer);
      }
      plain.connect(new InetSocketAddress(url.getHost(), url.getPort()), 5_000);
      plain.setSoTimeout((int) Await.SOON.toMillis());
      Socket secured =
          context.getSocketFactory().createSocket(plain, url.getHost(), url.getPort(), true);
      return new RawConnection(secured, url.getAuthority());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void write(byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void write(String text) {
    write(text.getBytes(UTF_8));
  }

  /// Writes as much as the server takes: it may answer and close before it has read all.
  void writeUntilRefused(byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    } catch (IOException _) {
      // The answer tells why; the caller reads it.
    }
  }

  /// A request with a Host header and these header lines, without a body.
  void writeHead(String requestLine, String... headerLines) {
    var head = new StringBuilder(requestLine).append("\r\n");
    boolean hasHost = false;
    for (String line : headerLines) {
      hasHost |= line.toLowerCase(Locale.ROOT).startsWith("host:");
    }
    if (!hasHost) {
      head.append("Host: ").append(hostHeader).append("\r\n");
    }
    for (String line : headerLines) {
      head.append(line).append("\r\n");
    }
    write(head.append("\r\n").toString());
  }

  /// The next answer: status, headers and a body by length, in chunks or to the end.
  Reply readReply() {
    try {
      String statusLine = readLine();
      var headers = new TreeMap<String, List<String>>();
      for (String line = readLine(); !line.isEmpty(); line = readLine()) {
        int colon = line.indexOf(':');
        headers
            .computeIfAbsent(
                line.substring(0, colon).toLowerCase(Locale.ROOT), _ -> new ArrayList<>())
            .add(line.substring(colon + 1).trim());
      }
      String[] parts = statusLine.split(" ", 3);
      int status = Integer.parseInt(parts[1]);
      byte[] body =
          status < 200 || status == 204 || status == 304 ? new byte[0] : readBody(headers);
      return new Reply(status, headers, new String(body, UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("no complete answer: " + e, e);
    }
  }

  /// The head of the next answer, by lines, for answers that go on.
  List<String> readHead() {
    try {
      var lines = new ArrayList<String>();
      for (String line = readLine(); !line.isEmpty(); line = readLine()) {
        lines.add(line);
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException("no complete head: " + e, e);
    }
  }

  private byte[] readBody(Map<String, List<String>> headers) throws IOException {
    if (headers.containsKey("content-length")) {
      return readFully(Integer.parseInt(headers.get("content-length").getFirst()));
    }
    if (headers.containsKey("transfer-encoding")) {
      var body = new ByteArrayOutputStream();
      while (true) {
        int size = Integer.parseInt(readLine().split(";", 2)[0].trim(), 16);
        body.write(readFully(size));
        readLine();
        if (size == 0) {
          return body.toByteArray();
        }
      }
    }
    return in.readAllBytes();
  }

  byte[] readFully(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException(
          "connection closed after " + bytes.length + " of " + length + " bytes");
    }
    return bytes;
  }

  private String readLine() throws IOException {
    var line = new ByteArrayOutputStream();
    while (true) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException("connection closed within a line: " + line.toString(ISO_8859_1));
      }
      if (b == '\n') {
        String text = line.toString(ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
      }
      line.write(b);
    }
  }

  /// The next answer, or empty if the server closes without one.
  Optional<Reply> readReplyOrClose() {
    try {
      return Optional.of(readReply());
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof EOFException || e.getCause() instanceof SocketException) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /// Asserts that the server ends the connection soon; what it sends before is dropped.
  void expectEnd() {
    try {
      in.skip(Long.MAX_VALUE);
      while (in.read() >= 0) {
        in.skip(Long.MAX_VALUE);
      }
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the connection stayed open", e);
    } catch (IOException _) {
      // Reset: ended as well.
    }
  }

  InputStream in() {
    return in;
  }

  void readLimit(int millis) {
    try {
      socket.setSoTimeout(millis);
    } catch (SocketException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
