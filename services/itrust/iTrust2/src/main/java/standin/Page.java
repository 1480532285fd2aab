package standin;

import java.io.IOException;

import javax.servlet.annotation.WebServlet;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The pages behind the log-in: the start leads to that of the role. */
@WebServlet({ "", "/admin/index", "/visitor" })
public class Page extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getServletPath();
        if (path.equals("/visitor")) {
            // Whom iTrust2 would ban: the address that it sees.
            response.setContentType("text/plain");
            response.getWriter().println(request.getRemoteAddr());
            return;
        }
        Object role = request.getSession().getAttribute("role");
        if (role == null) {
            response.sendRedirect(request.getContextPath() + "/login");
        } else if (path.equals("/admin/index")) {
            if (role.equals("ROLE_ADMIN")) {
                response.setContentType("text/html;charset=UTF-8");
                response.getWriter().printf("<html><body>Welcome<form method=\"post\" action=\"%s/logout\">"
                        + "<input type=\"hidden\" name=\"_csrf\" value=\"%s\"/></form></body></html>%n",
                        request.getContextPath(), Login.token(request));
            } else {
                response.sendError(HttpServletResponse.SC_FORBIDDEN);
            }
        } else {
            response.sendRedirect(request.getContextPath() + "/admin/index");
        }
    }
}
