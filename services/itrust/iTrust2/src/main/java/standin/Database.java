package standin;

import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

import javax.servlet.ServletContextEvent;
import javax.servlet.ServletContextListener;
import javax.servlet.annotation.WebListener;

import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;

/** The table of users. Made when the application starts, which fails without the database. */
@WebListener
public class Database implements ServletContextListener {

    @Override
    public void contextInitialized(ServletContextEvent event) {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE IF NOT EXISTS Users (username VARCHAR(20) NOT NULL PRIMARY KEY,"
                    + " enabled INTEGER, password VARCHAR(255), role VARCHAR(255))");
        } catch (SQLException error) {
            throw new IllegalStateException("no database: " + error.getMessage(), error);
        }
    }

    @Override
    public void contextDestroyed(ServletContextEvent event) {
        // Nothing is held open.
    }

    /** A new connection for each use, as iTrust2's DriverManagerDataSource has it. */
    static Connection connect() throws SQLException {
        Properties properties = new Properties();
        try (InputStream file = Database.class.getResourceAsStream("/db.properties")) {
            if (file == null) {
                throw new SQLException("there is no db.properties");
            }
            properties.load(file);
            Class.forName("com.mysql.cj.jdbc.Driver");
        } catch (IOException | ClassNotFoundException error) {
            throw new SQLException(error);
        }
        return DriverManager.getConnection(properties.getProperty("url"), properties.getProperty("username"),
                properties.getProperty("password"));
    }

    static int users() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT COUNT(*) FROM Users")) {
            rows.next();
            return rows.getInt(1);
        }
    }

    /** The role of whom this password lets in, or null. */
    static String role(String username, String password) throws SQLException {
        try (Connection connection = connect();
                PreparedStatement statement = connection
                        .prepareStatement("SELECT password, role FROM Users WHERE username = ? AND enabled = 1")) {
            statement.setString(1, username);
            try (ResultSet rows = statement.executeQuery()) {
                boolean right = rows.next()
                        && new BCryptPasswordEncoder().matches(password == null ? "" : password, rows.getString(1));
                return right ? rows.getString(2) : null;
            }
        }
    }
}
