CREATE TABLE product (name TEXT NOT NULL, price INTEGER NOT NULL);
INSERT INTO product VALUES ('Teapot', 1900), ('Cup', 450), ('Spoon', 120);
