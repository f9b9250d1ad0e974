// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Logger;

/// Stands in for a PostgreSQL and its driver: takes any connection and statement, and remembers
/// them.
final class FakeDatabase implements Driver, AutoCloseable {
  private final List<String> said = new CopyOnWriteArrayList<>();

  FakeDatabase() throws SQLException {
    DriverManager.registerDriver(this);
  }

  /// Who connected where, and the statements, in their order.
  List<String> said() {
    return said;
  }

  @Override
  public boolean acceptsURL(String url) {
    return url.startsWith("jdbc:postgresql:");
  }

  @Override
  public Connection connect(String url, Properties info) {
    if (!acceptsURL(url)) {
      return null;
    }
    said.add(info.getProperty("user") + "/" + info.getProperty("password") + " at " + url);
    Statement statement =
        fake(
            Statement.class,
            arguments -> {
              said.add((String) arguments[0]);
              return false;
            });
    return fake(Connection.class, _ -> statement);
  }

  private interface Answer {
    Object to(Object[] arguments);
  }

  /// Whose methods all give the same answer, but for closing.
  private static <T> T fake(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            FakeDatabase.class.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) ->
                method.getName().equals("close") ? null : answer.to(arguments)));
  }

  @Override
  public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) {
    return new DriverPropertyInfo[0];
  }

  @Override
  public int getMajorVersion() {
    return 1;
  }

  @Override
  public int getMinorVersion() {
    return 0;
  }

  @Override
  public boolean jdbcCompliant() {
    return false;
  }

  @Override
  public Logger getParentLogger() {
    return Logger.getGlobal();
  }

  @Override
  public void close() throws SQLException {
    DriverManager.deregisterDriver(this);
  }
}
