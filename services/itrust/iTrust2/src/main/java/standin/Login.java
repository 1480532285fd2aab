package standin;

import java.io.IOException;
import java.sql.SQLException;
import java.util.UUID;

import javax.servlet.ServletException;
import javax.servlet.annotation.WebServlet;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.HttpSession;

/** The log-in page and what its form leads to. */
@WebServlet({ "/login", "/logout" })
public class Login extends HttpServlet {

    private static final long serialVersionUID = 1L;

    /** The session's token, which each form must bring back. */
    static String token(HttpServletRequest request) {
        HttpSession session = request.getSession();
        if (session.getAttribute("csrf") == null) {
            session.setAttribute("csrf", UUID.randomUUID().toString());
        }
        return (String) session.getAttribute("csrf");
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        int users;
        try {
            users = Database.users();
        } catch (SQLException error) {
            throw new ServletException("no database: " + error.getMessage(), error);
        }
        String said = request.getParameter("error") == null ? "" : "<p>Invalid username and password.</p>";
        response.setContentType("text/html;charset=UTF-8");
        response.getWriter().printf("<html><head><title>iTrust2 :: Login</title></head><body>%s"
                + "<form name=\"f\" action=\"%s/login\" method=\"post\">"
                + "<input type=\"hidden\" name=\"_csrf\" value=\"%s\"/>"
                + "<input type=\"text\" id=\"username\" name=\"username\">"
                + "<input type=\"password\" id=\"password\" name=\"password\">"
                + "<button type=\"submit\">Login</button></form><p>%d users</p></body></html>%n", said,
                request.getContextPath(), token(request), users);
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        if (!token(request).equals(request.getParameter("_csrf"))) {
            response.sendError(HttpServletResponse.SC_FORBIDDEN);
            return;
        }
        request.getSession().invalidate();
        String to = "/login?logout";
        if (request.getServletPath().equals("/login")) {
            String role;
            try {
                role = Database.role(request.getParameter("username"), request.getParameter("password"));
            } catch (SQLException error) {
                throw new ServletException("no database: " + error.getMessage(), error);
            }
            if (role != null) {
                request.getSession().setAttribute("role", role);
            }
            to = role == null ? "/login?error" : "/";
        }
        response.sendRedirect(request.getContextPath() + to);
    }
}
