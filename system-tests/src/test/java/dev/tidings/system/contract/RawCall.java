// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

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
import java.net.URI;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// One request on a connection of its own, which can go away before the answer.
final class RawCall implements AutoCloseable {
  private static final int LIMIT_MS = 20_000;

  private final Socket socket;
  private final InputStream in;

  private RawCall(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream(), 1024);
  }

  static RawCall get(Caller caller, String path) {
    return open(caller, "GET " + path, "");
  }

  static RawCall post(Caller caller, String path, String json) {
    return open(caller, "POST " + path, json);
  }

  private static RawCall open(Caller caller, String methodAndPath, String body) {
    URI url = caller.server().url();
    byte[] content = body.getBytes(UTF_8);
    var head = new StringBuilder(methodAndPath).append(" HTTP/1.1\r\nHost: ");
    head.append(url.getAuthority()).append("\r\n");
    if (!caller.authorization().isEmpty()) {
      head.append("Authorization: ").append(caller.authorization()).append("\r\n");
    }
    if (content.length > 0) {
      head.append("Content-Type: application/json\r\nContent-Length: ")
          .append(content.length)
          .append("\r\n");
    }
    var request = new ByteArrayOutputStream();
    try {
      request.write(head.append("\r\n").toString().getBytes(UTF_8));
      request.write(content);
      var socket = new Socket();
      socket.connect(new InetSocketAddress(url.getHost(), url.getPort()), LIMIT_MS);
      socket.setSoTimeout(LIMIT_MS);
      socket.setTcpNoDelay(true);
      socket.getOutputStream().write(request.toByteArray());
      return new RawCall(socket);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Waits for the answer; the connection stays open.
  Answer answer() {
    try {
      int status = Integer.parseInt(readLine().split(" ", 3)[1]);
      var headers = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
      for (String line = readLine(); !line.isEmpty(); line = readLine()) {
        int colon = line.indexOf(':');
        headers
            .computeIfAbsent(line.substring(0, colon), _ -> new ArrayList<>())
            .add(line.substring(colon + 1).trim());
      }
      int length =
          Integer.parseInt(headers.getOrDefault("content-length", List.of("0")).getFirst());
      byte[] body = in.readNBytes(length);
      if (body.length < length) {
        throw new EOFException("ended after " + body.length + " of " + length + " bytes");
      }
      return new Answer(status, HttpHeaders.of(headers, (_, _) -> true), new String(body, UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("no complete answer: " + e, e);
    }
  }

  private String readLine() throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("ended within a line: " + line.toString(ISO_8859_1));
      }
      line.write(b);
    }
    return line.toString(ISO_8859_1).strip();
  }

  /// Waits for the answer for as long as this.
  Answer answer(Duration limit) {
    try {
      socket.setSoTimeout((int) limit.toMillis());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return answer();
  }

  /// Ends the connection at once, as a machine does that is switched off and on.
  void reset() {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    close();
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
