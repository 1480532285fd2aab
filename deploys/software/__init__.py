"""The software that the applications run on: MongoDB, MariaDB, Tomcat, iTrust2's WAR."""
