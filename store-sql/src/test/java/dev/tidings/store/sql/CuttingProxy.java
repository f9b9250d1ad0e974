// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// Stands between a store and its database, and holds back what either says to the other.
final class CuttingProxy implements AutoCloseable {
  private final ServerSocket listener;
  private final int target;
  private final List<Link> links = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean closed;

  CuttingProxy(int target) throws IOException {
    this.target = target;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    daemon(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /// The connections there are now.
  List<Link> links() {
    return List.copyOf(links);
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        links.add(new Link(client, new Socket(InetAddress.getLoopbackAddress(), target)));
      } catch (IOException e) {
        if (!listener.isClosed()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private static void daemon(Runnable task) {
    Thread.ofPlatform().daemon().start(task);
  }

  /// One connection.
  final class Link {
    private final Socket client;
    private final Socket server;
    private boolean holdsRequests;
    private boolean holdsAnswers;

    private Link(Socket client, Socket server) {
      this.client = client;
      this.server = server;
      daemon(() -> copy(client, server, /* isRequest= */ true));
      daemon(() -> copy(server, client, /* isRequest= */ false));
    }

    /// From now on the database gets nothing.
    void holdRequests() {
      change(() -> holdsRequests = true);
    }

    /// From now on the store gets nothing.
    void holdAnswers() {
      change(() -> holdsAnswers = true);
    }

    /// Lets everything through that was held back.
    void release() {
      change(() -> {
        holdsRequests = false;
        holdsAnswers = false;
      });
    }

    private void copy(Socket from, Socket to, boolean isRequest) {
      byte[] bytes = new byte[64 * 1024];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
          awaitReleased(isRequest);
          out.write(bytes, 0, count);
        }
        awaitReleased(isRequest);
        to.shutdownOutput();
      } catch (IOException e) {
        // Either side has gone, which is what the other is to see.
        closeBoth();
      }
    }

    private void awaitReleased(boolean isRequest) {
      lock.lock();
      try {
        while (!closed && (isRequest ? holdsRequests : holdsAnswers)) {
          changed.awaitUninterruptibly();
        }
      } finally {
        lock.unlock();
      }
    }

    private void closeBoth() {
      try {
        client.close();
        server.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private void change(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    change(() -> closed = true);
    links.forEach(Link::closeBoth);
  }
}
